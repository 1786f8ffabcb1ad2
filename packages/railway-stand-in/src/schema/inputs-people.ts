/** Inputs of the mutations of accounts, workspaces, tokens and the rest. */
export const INPUTS_PEOPLE = `
input AgentUsageLimitSetInput { hardLimitCents: Int!, softLimitCents: Int, workspaceId: String! }
input ApiTokenCreateInput { name: String!, workspaceId: String }
input CliAuthEventTrackInput {
  agentSessionId: String, arch: String, caller: String, cliVersion: String, errorMessage: String,
  installRequestId: String, isCi: Boolean, os: String, outcome: String!, sessionId: String,
  success: Boolean!, transport: String!, transportReason: String
}
input CliEventTrackInput {
  agentSessionId: String, arch: String!, caller: String, cliVersion: String!, command: String!,
  durationMs: Int!, environmentId: String, errorClass: String, errorMessage: String,
  installRequestId: String, isCi: Boolean!, os: String!, projectId: String, serviceId: String,
  sessionId: String, subCommand: String, success: Boolean!, workspaceId: String
}
input FeatureFlagToggleInput { flag: ActiveFeatureFlag! }
input JobApplicationCreateInput { email: String!, jobId: String!, name: String!, why: String! }
input LoginSessionAuthInput { code: String!, hostname: String }
input PreferencesUpdateData {
  buildFailedEmail: Boolean, changelogEmail: Boolean, communityEmail: Boolean,
  deployCrashedEmail: Boolean, ephemeralEnvironmentEmail: Boolean, marketingEmail: Boolean,
  subprocessorUpdatesEmail: Boolean, templateQueueEmail: Boolean, token: String,
  usageEmail: Boolean
}
input RecoveryCodeValidateInput { code: String!, twoFactorLinkingKey: String }
input ReferralInfoUpdateInput { code: String!, workspaceId: String! }
input SetupAgentEventTrackInput {
  agentSessionId: String, arch: String, caller: String, cliVersion: String,
  configuredClients: [String!], errorMessage: String, installRequestId: String, isCi: Boolean,
  os: String, phase: String!, sessionId: String, success: Boolean
}
input ShellTokenInput {
  environmentId: String!, instanceId: String!, kind: String, port: Int, scope: String!,
  serviceId: String
}
input SshPublicKeyCreateInput { name: String!, publicKey: String!, workspaceId: String }
input TwoFactorInfoCreateInput { token: String! }
input TwoFactorInfoValidateInput { token: String!, twoFactorLinkingKey: String }
input UsageLimitRemoveInput { customerId: String! }
input UsageLimitSetInput { customerId: String!, hardLimitDollars: Int, softLimitDollars: Int! }
input UserFlagsRemoveInput { flags: [UserFlag!]!, userId: String }
input UserFlagsSetInput { flags: [UserFlag!]!, userId: String }
input UserProfileUpdateInput { bio: String, isPublic: Boolean!, website: String }
input WorkspaceInviteCodeCreateInput { role: String! }
input WorkspacePermissionChangeInput { role: TeamRole!, userId: String!, workspaceId: String! }
input WorkspacePolicyItemUpdateInput { enabled: Boolean!, policy: WorkspacePolicyName! }
input WorkspaceUpdateInput { avatar: String, name: String, preferredRegion: String }
input WorkspaceUserInviteInput { code: String!, email: String! }
input WorkspaceUserRemoveInput { userId: String! }
input customerTogglePayoutsToCreditsInput { isWithdrawingToCredits: Boolean! }
`;
