/** What a person can do now, in lines to copy. */
import { bodyOf, RAILWAY_HOSTS } from './agent/published-request.ts';
import type { World } from './demo.ts';
import type { Section } from './screen/screen.ts';
import { PRODUCTION, STAGING, TWIN } from './world/car-rental.ts';
import { MAIN_TARGET } from './world/guard.ts';

export function byHand({ rental, guard, hosting }: World): Section[] {
  const { links, proxy } = guard;
  const [host] = RAILWAY_HOSTS;
  const request = `-H 'Authorization: Bearer ${links.stagingToken}' -d '${bodyOf(hosting.guarded.railway.volumeId)}'`;
  return [
    {
      title: 'As the agent, with psql (any PostgreSQL client will do)',
      lines: [
        `${PRODUCTION}, through Holdfast:`,
        `  psql '${links.production}'`,
        `${STAGING}, through Holdfast (open):`,
        `  psql '${links.staging}'`,
        `${TWIN}, unguarded:`,
        `  psql '${rental.ownerUrl(TWIN)}'`,
      ],
    },
    {
      title: 'The published request, with curl',
      lines: [
        'by the base URL:',
        `  curl -s ${proxy.url}/railway/graphql/v2 ${request}`,
        'to the host of the incident, through the forward proxy:',
        `  curl -s -x ${proxy.url} --cacert '${proxy.authority}' https://${host}/graphql/v2 ${request}`,
      ],
    },
    {
      title: 'As the person who decides, in another terminal, in this folder',
      lines: [
        `export HOLDFAST_CONFIG='${guard.configPath}'`,
        'npx holdfast holds                  # what waits',
        'npx holdfast holds show HOLD        # what exactly would run',
        'npx holdfast people add YOUR-NAME   # a QR code for your phone',
        'npx holdfast people confirm YOUR-NAME --code 123456',
        'npx holdfast holds approve HOLD --as YOUR-NAME --code 123456   # production asks for two; with --name when the card wants one',
        'npx holdfast deferrals              # what was approved and waits its 48 hours',
        'npx holdfast undo list              # what passed and can be taken back',
        'npx holdfast undo preview ITEM      # what taking it back would do',
        'npx holdfast undo apply ITEM --as YOUR-NAME --code 123456',
        `npx holdfast protect ${MAIN_TARGET} --check   # is the wall whole?`,
        'npx holdfast recovery status       # could it be brought back, and why is that no better',
        'npx holdfast trail tail             # what happened',
        'npx holdfast trail verify',
      ],
    },
  ];
}
