/** What a small account of Neon answers to our own questions: one project, three branches. */
const branch = (id: string, name: string, parent: string | null) => ({
  id,
  name,
  parent_id: parent,
  default: parent === null,
  protected: parent === null,
  logical_size: 123_000_000,
});

const ANSWERS: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ['/api/v2/users/me/organizations', { organizations: [{ id: 'org-1' }] }],
  ['/api/v2/projects?limit=400', { projects: [], pagination: { cursor: 'x' } }],
  [
    '/api/v2/projects?limit=400&org_id=org-1',
    { projects: [{ id: 'pr-1', name: 'acme', org_id: 'org-1' }] },
  ],
  [
    '/api/v2/projects/pr-1/branches',
    {
      branches: [branch('br-main', 'main', null), branch('br-dev', 'dev', 'br-main')],
      pagination: { next: 'more' },
    },
  ],
  [
    '/api/v2/projects/pr-1/branches?cursor=more',
    { branches: [branch('br-test', 'test', 'br-main')], pagination: {} },
  ],
  [
    '/api/v2/projects/pr-1/endpoints',
    {
      endpoints: [
        { id: 'ep-main', branch_id: 'br-main' },
        { id: 'ep-dev', branch_id: 'br-dev' },
      ],
    },
  ],
  [
    '/api/v2/projects/pr-1/snapshots',
    {
      snapshots: [
        { id: 'sn-dev', source_branch_id: 'br-dev', created_at: '2026-11-01T00:00:00Z' },
        { id: 'sn-main', source_branch_id: 'br-main', created_at: '2026-11-20T00:00:00Z' },
        { id: 'sn-gone', source_branch_id: 'br-gone', created_at: '2026-10-01T00:00:00Z' },
      ],
    },
  ],
]);

export function neonAnswer(url: string): unknown {
  return ANSWERS.get(url);
}
