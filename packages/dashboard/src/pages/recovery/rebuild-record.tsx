/** Where something is from, and how the record begins: text of strangers, which stays text. */
import type { ReactNode } from 'react';
import type { Answer } from '../../api/client.ts';
import { Line, Text } from '../../ui/text.tsx';

export type SourceRecord =
  Answer<'rebuilds.row'>['cells'][number]['options'][number]['records'][number];

export function RecordView({ record }: { readonly record: SourceRecord }): ReactNode {
  const { file, offset, record: number, snippet, source } = record;
  return (
    <figure className="grid min-w-0 grid-cols-[minmax(0,1fr)] gap-1">
      <figcaption className="min-w-0 text-[0.82rem] text-muted">
        <Line text={`${source} · ${file}, record ${number}, byte ${offset}`} />
      </figcaption>
      <section
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls has to be reached by the keyboard
        tabIndex={0}
        aria-label={`How record ${number} begins`}
        className="max-h-40 overflow-auto rounded-lg border border-line bg-sunken p-2 font-mono text-[0.82rem] wrap-anywhere"
      >
        <Text text={snippet} />
      </section>
    </figure>
  );
}
