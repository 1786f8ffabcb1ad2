/**
 * Which Holdfast processes write to this trail, and which of them are gone; implemented by `store/`.
 * A process that was killed cannot say what became of its decisions: whoever notices says `unknown`.
 */
export interface GoneInstance {
  readonly id: string;
  /** For how long it has been seen gone. */
  readonly goneMs: number;
}

export interface InstanceBook {
  /** Writes the instance down and gives a sign of life until `close`, over lost connections too. */
  announce(instanceId: string, trailSize: bigint): Promise<void>;
  /** Instances without a sign of life that were not settled yet. */
  gone(): Promise<readonly GoneInstance[]>;
  /** Nothing of it is open any more. */
  settled(instanceId: string): Promise<void>;
  close(): Promise<void>;
}
