/** Rows of a catalogue, named `METHOD /template`, as a table to find them in. */
import type { Operation } from '../catalogue.ts';
import { type Entry, RestTable } from './table.ts';

export function entriesOf(
  rows: Iterable<readonly [string, Operation]>,
): readonly Entry<Operation>[] {
  return [...rows].map(([key, operation]) => {
    const [method = '', template = ''] = key.split(' ');
    return { method, template, operation };
  });
}

export function tableOf(rows: Iterable<readonly [string, Operation]>): RestTable<Operation> {
  return new RestTable(entriesOf(rows));
}
