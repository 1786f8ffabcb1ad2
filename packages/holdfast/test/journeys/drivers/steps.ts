/** What a driver showed, in order, as plain data that two runs can be compared by. */

export interface Step {
  readonly step: string;
  readonly value: unknown;
}

export interface Steps {
  readonly steps: Step[];
  show(step: string, value: unknown): void;
  /** Shows what `work` gives, or the fields of the database's error. */
  attempt(step: string, work: () => Promise<unknown>): Promise<void>;
}

export function stepsOf(faultOf: (error: unknown) => unknown): Steps {
  const steps: Step[] = [];
  const show = (step: string, value: unknown): void => {
    steps.push({ step, value: JSON.parse(JSON.stringify(value ?? null)) });
  };
  return {
    steps,
    show,
    attempt: async (step, work) => {
      try {
        show(step, await work());
      } catch (error) {
        show(step, { error: faultOf(error) });
      }
    },
  };
}
