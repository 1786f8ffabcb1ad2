/**
 * Variables that say what is run. To set one is to run other code beside the data, and what that did is not
 * taken back by the old value; so they are judged as ever. No list of them is whole: what a program of
 * yours runs because of a variable of its own, nobody here knows.
 */

/** Of Railway's builders, and of Railway itself. */
const BUILDER = /^(NIXPACKS|RAILPACK|RAILWAY)_/i;
/** `START_COMMAND`, `NPM_CONFIG_SCRIPT_SHELL`, `GIT_SSH_COMMAND`, `BUILD_CMD`. */
const COMMAND = /(^|_)(CMD|COMMAND|COMMANDS|SCRIPT|SHELL|ENTRYPOINT|EXEC|WRAPPER)(_|$)/i;
/** `START_CMD` without its underscore. */
const RUN_TOGETHER = /^(START|BUILD|RUN|PRE_?DEPLOY|INSTALL|RELEASE)(CMD|COMMAND)$/i;
/** Where a package manager or Git takes code and commands from. */
const FETCHED = /^(GIT|NPM_CONFIG|PIP|BUNDLE|LUA_INIT|CARGO|MISE|NIX)_/i;
/** What a loader, a shell or an interpreter reads code, or where code is, from. */
const LOADED: ReadonlySet<string> = new Set([
  'PATH',
  'ENV',
  'BASH_ENV',
  'NODE_OPTIONS',
  'NODE_PATH',
  'PYTHONPATH',
  'PYTHONSTARTUP',
  'PYTHONHOME',
  'PYTHONUSERBASE',
  'PYTHONBREAKPOINT',
  'RUBYOPT',
  'RUBYLIB',
  'GEM_PATH',
  'GEM_HOME',
  'PERL5OPT',
  'PERL5LIB',
  'PERL5DB',
  'JAVA_TOOL_OPTIONS',
  'JDK_JAVA_OPTIONS',
  '_JAVA_OPTIONS',
  'CLASSPATH',
  'JAVA_OPTS',
  'JAVA_HOME',
  'JVM_OPTS',
  'CATALINA_OPTS',
  'SBT_OPTS',
  'MAVEN_OPTS',
  'MAVEN_ARGS',
  'GRADLE_OPTS',
  'GOFLAGS',
  'GOPROXY',
  'CC',
  'CXX',
  'MAKEFLAGS',
  'CORECLR_PROFILER_PATH',
  'COR_PROFILER_PATH',
  'DOTNET_ADDITIONAL_DEPS',
  'DOTNET_STARTUP_HOOKS',
  'PHPRC',
  'PHP_INI_SCAN_DIR',
  'ERL_FLAGS',
  'ERL_AFLAGS',
  'ERL_ZFLAGS',
  'ELIXIR_ERL_OPTIONS',
  'LUA_INIT',
  'LUA_PATH',
  'LUA_CPATH',
  'R_PROFILE',
  'OPENSSL_CONF',
  'GCONV_PATH',
  'BROWSER',
  'VISUAL',
  'EDITOR',
  'PAGER',
]);
const LINKER = /^(LD|DYLD)_/i;

export function saysWhatIsRun(name: string): boolean {
  const plain = separated(name);
  return (
    BUILDER.test(plain) ||
    COMMAND.test(plain) ||
    RUN_TOGETHER.test(plain) ||
    FETCHED.test(plain) ||
    LINKER.test(plain) ||
    LOADED.has(plain.toUpperCase()) ||
    LOADED.has(name.toUpperCase())
  );
}

/** `startCommand`, `start-command` and `start.command` as `start_Command`. */
function separated(name: string): string {
  return name.replaceAll(/[.-]/g, '_').replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2');
}

/**
 * What a name is in every place that it goes through. `NODE_OPTIONS=--require x` with the value `y`, a space
 * before it or a line behind it is another variable where a program gets it than where it was looked at.
 */
export function isPlainName(name: string): boolean {
  return /^[A-Za-z_][A-Za-z0-9_.-]*$/.test(name);
}

/**
 * A value that takes another variable in, of another service or shared: its service gets to know what it
 * holds (a password of a database), and whatever it did with that no older value takes back.
 */
export function takesAnotherIn(value: string): boolean {
  return value.includes('${{');
}
