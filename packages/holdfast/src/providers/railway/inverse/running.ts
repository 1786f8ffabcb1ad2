/**
 * Variables that say what is run. To set one is to run other code beside the data, and what that did is not
 * taken back by the old value; so they are judged as ever. No list of them is whole: what a program of
 * yours runs because of a variable of its own, nobody here knows.
 */

/** Of Railway's builders, and of Railway itself. */
const BUILDER = /^(NIXPACKS|RAILPACK|RAILWAY)_/i;
/** `START_COMMAND`, `NPM_CONFIG_SCRIPT_SHELL`, `GIT_SSH_COMMAND`, `BUILD_CMD`. */
const COMMAND = /(^|_)(CMD|COMMAND|COMMANDS|SCRIPT|SHELL|ENTRYPOINT|EXEC)(_|$)/i;
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
  'RUBYOPT',
  'RUBYLIB',
  'PERL5OPT',
  'PERL5LIB',
  'PERL5DB',
  'JAVA_TOOL_OPTIONS',
  'JDK_JAVA_OPTIONS',
  '_JAVA_OPTIONS',
  'CLASSPATH',
  'MAVEN_OPTS',
  'GRADLE_OPTS',
  'CORECLR_PROFILER_PATH',
  'DOTNET_STARTUP_HOOKS',
  'PHPRC',
  'PHP_INI_SCAN_DIR',
  'ERL_FLAGS',
  'LUA_INIT',
  'EDITOR',
  'PAGER',
]);
const LINKER = /^(LD|DYLD)_/i;

export function saysWhatIsRun(name: string): boolean {
  return (
    BUILDER.test(name) || COMMAND.test(name) || LINKER.test(name) || LOADED.has(name.toUpperCase())
  );
}
