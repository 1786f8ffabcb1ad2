/** A row before and now, field by field; what differs is marked by a sign, a word and a colour. */
import type { ReactNode } from 'react';
import { Line } from './text.tsx';

type Row = Readonly<Record<string, string | null>> | null;

export function Diff({ kept, now }: { readonly kept: Row; readonly now: Row }): ReactNode {
  const names = [...new Set([...Object.keys(kept ?? {}), ...Object.keys(now ?? {})])];
  return (
    <table className="w-full table-fixed text-left text-[0.87rem]">
      <thead className="text-muted">
        <tr>
          <th className="w-1/4 py-1 font-medium">field</th>
          <th className="py-1 font-medium">as it was kept</th>
          <th className="py-1 font-medium">as it is now</th>
        </tr>
      </thead>
      <tbody className="font-mono">
        {names.map((name) => {
          const before = valueWords(kept, name);
          const after = valueWords(now, name);
          const differs = before !== after;
          return (
            <tr key={name} className={`border-t border-line ${differs ? 'bg-warn-soft' : ''}`}>
              <th scope="row" className="py-1 pr-2 font-normal">
                <Line text={`${differs ? '≠ ' : ''}${name}`} />
              </th>
              <td className="py-1 pr-2">
                <Line text={before} />
              </td>
              <td className="py-1">
                <Line text={after} />
              </td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

function valueWords(row: Row, name: string): string {
  if (row === null) return '(no row)';
  const value = row[name];
  if (value === undefined) return '(no such field)';
  return value ?? 'NULL';
}
