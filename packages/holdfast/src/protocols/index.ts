/** The protocols there are: one line each. */
export { createPostgresProtocol } from './postgres/listener.ts';
