/**
 * The rules that need no Cedar from the user: one text per level, and one for every level. Shown as
 * they are by `holdfast policy explain`. A user's policy adds rules; it may stand in for one of these
 * only when `policy.replaces` names it, and for those marked @fixed never.
 */
export interface Preset {
  readonly name: string;
  readonly text: string;
}

const EVERYWHERE = `\
// What could not be read. None of these is harmless, whatever the environment.
@id("everywhere.syntax-error")
@fixed("could-not-tell is never harmless")
@verdict("refuse")
@reason("the SQL could not be read: {why}")
@hint("Correct the text and send it again.")
forbid (principal, action == Action::"unknown", resource)
when { context.code == "syntax-error" };

@id("everywhere.unprepared")
@fixed("could-not-tell is never harmless")
@verdict("refuse")
@reason("{why}")
@hint("Prepare the statement in this session first.")
forbid (principal, action == Action::"unknown", resource)
when { context.code == "unknown-prepared-statement" };

@id("everywhere.off-limits")
@fixed("what takes changes back must not be within reach of those who make them")
@verdict("refuse")
@reason("it touches what belongs to Holdfast itself in this database")
@hint("Leave the schema holdfast and its roles alone: they keep what can be taken back.")
forbid (principal, action == Action::"unknown", resource)
when { context.code == "off-limits" };

@id("everywhere.unreadable")
@fixed("could-not-tell is never harmless")
@verdict("refuse")
@reason("the text cannot be read safely ({code}): {why}")
@hint("Send it in another form: shorter, plain UTF-8, without changing how SQL is lexed.")
forbid (principal, action == Action::"unknown", resource)
unless {
  ["syntax-error", "unknown-statement", "unknown-prepared-statement", "reader-failed",
   "off-limits", "unknown-effect"].contains(context.code)
};

@id("everywhere.unknown")
@fixed("could-not-tell is never harmless")
@verdict("hold")
@reason("nobody can tell what this would do ({code}): {why}")
forbid (principal, action == Action::"unknown", resource)
when {
  ["unknown-statement", "reader-failed", "unknown-effect"].contains(context.code)
};
`;

const OPEN = `\
// open: whatever was understood is forwarded.
@id("open.forward")
@fixed("forbids decide; without a permit nothing would pass")
@reason("{environment} is open")
permit (principal, action, resource in Level::"open");
`;

const GUARDED = `\
// guarded: rows may be written and structure added; what destroys, rewrites or opens doors is held.
@id("guarded.forward")
@fixed("forbids decide; without a permit nothing would pass")
@reason("no rule of {environment} holds it")
permit (principal, action, resource in Level::"guarded");

@id("guarded.database")
@verdict("hold") @people("1")
@reason("{verb} ends a whole database, or all that a role owns, in {environment}")
forbid (principal, action == Action::"destroy", resource in Level::"guarded")
when { context.objectType == "database" || context.objectType == "role" };

@id("guarded.destroy")
@verdict("hold") @people("1")
@reason("{verb} on {object} destroys data in {environment} and no condition limits it")
forbid (principal, action == Action::"destroy", resource in Level::"guarded")
unless {
  context.protected &&
  (context.reversal == "capture" || context.reversal == "inverse" ||
   // Definitions, which hold no data: they come back as they were.
   (context.reversal == "rename" && context.reach == "whole" &&
    ["DROP INDEX", "DROP STATISTICS"].contains(context.verb)))
};

// A condition limits which rows, but nothing keeps those: a foreign table, one whose triggers are gone.
@id("guarded.lost")
@verdict("hold") @people("1")
@reason("{verb} on {object} changes rows that nothing keeps in {environment}, though it is protected")
@hint("A person approves it; holdfast doctor names the tables that are not captured.")
forbid (principal, action == Action::"write", resource in Level::"guarded")
when { context.lost };

// Where there is no way back, and what recovery was promised is not there now, one person is not enough.
@id("guarded.recovery-red")
@verdict("hold") @people("2")
@reason("nothing takes {verb} on {object} back, and {recovery}")
forbid (
  principal,
  action in [Action::"destroy", Action::"reshape"],
  resource in Level::"guarded"
)
when { context.reversal == "none" && !context.additive && resource.recovery.red };

@id("guarded.reshape")
@verdict("hold") @people("1")
@reason("{verb} on {object} changes or rewrites what exists in {environment}")
forbid (principal, action == Action::"reshape", resource in Level::"guarded")
unless {
  context.additive ||
  (context.protected && context.reversal == "inverse") ||
  // On a protected target what comes back whole needs nobody; code, and what switches guards off, does.
  (context.protected && context.reversal == "rename" && context.reach == "whole" &&
   ["table", "column", "index", "view", "sequence", "schema", "type"].contains(context.objectType) &&
   !(["ALTER TABLE ENABLE TRIGGER", "ALTER TABLE DISABLE TRIGGER", "ALTER TRIGGER RENAME",
      "ALTER POLICY", "ALTER POLICY RENAME", "ALTER TABLE SET UN LOGGED"].contains(context.verb)))
};

@id("guarded.role")
@verdict("hold") @people("1")
@reason("{verb} on the role {object} changes who may do what in {environment}")
forbid (principal, action == Action::"grant", resource in Level::"guarded")
when { context.objectType == "role" };

@id("guarded.grant")
@verdict("hold") @people("1")
@reason("{verb} on {object} changes who may do what in {environment}")
forbid (principal, action == Action::"grant", resource in Level::"guarded");

@id("guarded.execute")
@verdict("hold") @people("1")
@reason("{verb} on {object} runs code whose effects the text does not show")
forbid (principal, action == Action::"execute", resource in Level::"guarded")
unless { context.listed };

// On a protected target what could lose something is made reversible first. Signatures do not sign
// that away; rows that are kept need none. What has no reversal waits for the grace.
@id("guarded.protect")
@verdict("protect")
@reason("{verb} on {object} is made reversible first in {environment}")
forbid (
  principal,
  action in [Action::"destroy", Action::"reshape", Action::"grant"],
  resource in Level::"guarded"
)
when { context.protected && !context.additive };

@id("guarded.protect-lost")
@verdict("protect")
@reason("nothing keeps the rows that {verb} on {object} changes in {environment}")
forbid (principal, action == Action::"write", resource in Level::"guarded")
when { context.lost };

@id("guarded.protect-code")
@verdict("protect")
@reason("nobody can tell what {verb} on {object} would have to take back")
forbid (
  principal,
  action in [Action::"execute", Action::"unknown"],
  resource in Level::"guarded"
)
when { context.protected && !context.listed };
`;

const SEALED = `\
// sealed: reading is free, every change waits for people, and what is not understood is refused.
@id("sealed.forward")
@fixed("forbids decide; without a permit nothing would pass")
@reason("{environment} is sealed, and this only reads")
permit (principal, action, resource in Level::"sealed");

@id("sealed.unknown")
@fixed("could-not-tell is never harmless")
@verdict("refuse")
@reason("nobody can tell what this would do ({code}), and {environment} is sealed: {why}")
@hint("Say it in plain statements, one at a time.")
forbid (principal, action == Action::"unknown", resource in Level::"sealed");

// What nothing takes back needs a point that a drill proved, where the same hands do not reach: 26 hours
// for one that is made daily. Nobody signs this away.
@id("sealed.recovery")
@verdict("refuse")
@reason("nothing takes {verb} on {object} back, so it needs a proven recovery point outside the blast radius, at most 26 h old and with at most 300 s to lose, and none of it red; {recovery}")
@hint("{remedy}")
forbid (
  principal,
  action in [Action::"destroy", Action::"reshape"],
  resource in Level::"sealed"
)
when {
  context.reversal == "none" && !context.additive && resource.recovery.configured
}
unless {
  resource.recovery.outsideBlastRadius &&
  resource.recovery.provenAgeMinutes <= 1560 &&
  resource.recovery.rpoSeconds <= 300 &&
  !resource.recovery.red
};

@id("sealed.destroy")
@verdict("hold") @people("2")
@reason("{verb} on {object} destroys data in {environment}, which is sealed")
forbid (principal, action == Action::"destroy", resource in Level::"sealed");

@id("sealed.reshape")
@verdict("hold") @people("2")
@reason("{verb} on {object} changes the structure of {environment}, which is sealed")
forbid (principal, action == Action::"reshape", resource in Level::"sealed");

@id("sealed.grant")
@verdict("hold") @people("2")
@reason("{verb} on {object} changes who may do what in {environment}, which is sealed")
forbid (principal, action == Action::"grant", resource in Level::"sealed");

@id("sealed.write")
@verdict("hold") @people("1")
@reason("{verb} on {object} writes to {environment}, which is sealed")
forbid (principal, action == Action::"write", resource in Level::"sealed");

@id("sealed.execute")
@verdict("hold") @people("1")
@reason("{verb} on {object} runs code in {environment}, which is sealed")
forbid (principal, action == Action::"execute", resource in Level::"sealed");

@id("sealed.protect")
@verdict("protect")
@reason("{verb} on {object} is made reversible first in {environment}, which is sealed")
forbid (
  principal,
  action in [Action::"destroy", Action::"reshape", Action::"grant"],
  resource in Level::"sealed"
)
when { context.protected && !context.additive };

@id("sealed.protect-code")
@verdict("protect")
@reason("nobody can tell what {verb} on {object} would have to take back")
forbid (principal, action == Action::"execute", resource in Level::"sealed")
when { context.protected };
`;

export const PRESETS: readonly Preset[] = [
  { name: 'everywhere', text: EVERYWHERE },
  { name: 'open', text: OPEN },
  { name: 'guarded', text: GUARDED },
  { name: 'sealed', text: SEALED },
];
