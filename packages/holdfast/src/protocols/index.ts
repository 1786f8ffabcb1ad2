/** The protocols there are: one line each. */

export { Authority } from './http/authority.ts';
export { type RunRequest, runRequestWith } from './http/later.ts';
export { createHttpProtocol } from './http/listener.ts';
export { loadCertificate } from './postgres/certificate.ts';
export { type FirstView, firstView } from './postgres/first-view.ts';
export { createPostgresProtocol, type PostgresTarget } from './postgres/listener.ts';
