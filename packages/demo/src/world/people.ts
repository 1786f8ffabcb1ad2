/** Who decides, each with a phone of their own. */
import type { Rooms } from 'holdfast';
import { Phone } from './phone.ts';

export class Person {
  readonly name: string;
  readonly #phone: Phone;

  private constructor(name: string, phone: Phone) {
    this.name = name;
    this.#phone = phone;
  }

  /** As `holdfast people add` and `confirm` do. */
  static async enrol(name: string, { people }: Rooms): Promise<Person> {
    const phone = new Phone((await people.add(name)).uri);
    await people.confirm(name, phone.code());
    return new Person(name, phone);
  }

  /** What the phone shows now; showing it uses nothing up. */
  shows(): string {
    return this.#phone.shows();
  }

  /** The options of a command that decides something. */
  signs(): readonly string[] {
    return ['--as', this.name, '--code', this.#phone.code()];
  }
}
