import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { entryQuery } from '../../api/queries.ts';
import { countWords } from '../../lib/measures.ts';
import { Button } from '../../ui/button.tsx';
import { Code } from '../../ui/code.tsx';
import { Dialog, DialogButtons } from '../../ui/dialog.tsx';
import { Loaded } from '../../ui/loading.tsx';

export interface EntryDialogProps {
  readonly index: number;
  readonly onClose: () => void;
  readonly onOpen: (index: number) => void;
}

export function EntryDialog({ index, onClose, onOpen }: EntryDialogProps): ReactNode {
  const query = useQuery(entryQuery(index));
  return (
    <Dialog title={`Entry ${countWords(index)}`} onClose={onClose} wide>
      <Loaded query={query} what="the entry">
        {({ entry, outcome }) => (
          <>
            <Code text={JSON.stringify(entry, null, 2)} language="json" label="The entry" />
            {outcome !== null && (
              <p>
                <button type="button" className="link" onClick={() => onOpen(outcome)}>
                  What came of it: entry {countWords(outcome)}
                </button>
              </p>
            )}
          </>
        )}
      </Loaded>
      <DialogButtons>
        <Button onClick={onClose}>Close</Button>
      </DialogButtons>
    </Dialog>
  );
}
