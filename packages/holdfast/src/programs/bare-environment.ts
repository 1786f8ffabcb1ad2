/** No PG* variable of the caller's may steer our server. */
export function bareEnvironment(): NodeJS.ProcessEnv {
  const { PATH } = process.env;
  return { PATH: PATH ?? '/usr/bin:/bin', LANG: 'C', LC_ALL: 'C', TZ: 'UTC' };
}
