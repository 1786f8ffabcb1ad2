/** Mutations of accounts, workspaces, tokens and the rest. */
export const MUTATIONS_PEOPLE = `
extend type Mutation {
  agentUsageLimitSet(input: AgentUsageLimitSetInput!): Boolean!
  apiTokenCreate(input: ApiTokenCreateInput!): String!
  apiTokenDelete(id: String!): Boolean!
  botScopeBindingRemove(id: String!): Boolean!
  cliAuthEventTrack(input: CliAuthEventTrackInput!): Boolean!
  cliEventTrack(input: CliEventTrackInput!): Boolean!
  customerCreateFreePlanSubscription(id: String!): Boolean!
  customerTogglePayoutsToCredits(
    customerId: String!, input: customerTogglePayoutsToCreditsInput!
  ): Boolean!
  emailChangeConfirm(nonce: String!): Boolean!
  emailChangeInitiate(newEmail: String!): Boolean!
  fairUseAgree(agree: Boolean!): Boolean!
  featureFlagAdd(input: FeatureFlagToggleInput!): Boolean!
  featureFlagRemove(input: FeatureFlagToggleInput!): Boolean!
  generateShellToken(input: ShellTokenInput!): String!
  inviteCodeUse(code: String!): Project!
  jobApplicationCreate(input: JobApplicationCreateInput!, resume: Upload!): Boolean!
  loginSessionAuth(input: LoginSessionAuthInput!): Boolean!
  loginSessionCancel(code: String!): Boolean!
  loginSessionConsume(code: String!): String
  loginSessionCreate: String!
  loginSessionVerify(code: String!): Boolean!
  passkeyDelete(id: String!): Boolean!
  preferencesUpdate(input: PreferencesUpdateData!): Preferences!
  providerAuthRemove(id: String!): Boolean!
  recoveryCodeGenerate: RecoveryCodes!
  recoveryCodeValidate(input: RecoveryCodeValidateInput!): Boolean!
  referralInfoUpdate(input: ReferralInfoUpdateInput!): ReferralInfo!
  sessionDelete(id: String!): Boolean!
  setupAgentEventTrack(input: SetupAgentEventTrackInput!): Boolean!
  sshPublicKeyCreate(input: SshPublicKeyCreateInput!): SshPublicKey!
  sshPublicKeyDelete(id: String!): Boolean!
  sshSignupApprove(code: String!): Boolean!
  twoFactorInfoCreate(input: TwoFactorInfoCreateInput!): RecoveryCodes!
  twoFactorInfoDelete: Boolean!
  twoFactorInfoSecret: TwoFactorInfoSecret!
  twoFactorInfoValidate(input: TwoFactorInfoValidateInput!): Boolean!
  upsertSlackChannel(workspaceId: String!): Boolean!
  usageLimitRemove(input: UsageLimitRemoveInput!): Boolean!
  usageLimitSet(input: UsageLimitSetInput!): Boolean!
  userBetaLeave: Boolean!
  userDelete: Boolean!
  userDiscordDisconnect: Boolean!
  userFlagsRemove(input: UserFlagsRemoveInput!): Boolean!
  userFlagsSet(input: UserFlagsSetInput!): Boolean!
  userProfileUpdate(input: UserProfileUpdateInput!): Boolean!
  userTermsUpdate: User
  workspaceInviteCodeCreate(input: WorkspaceInviteCodeCreateInput!, workspaceId: String!): String!
  workspaceInviteCodeUse(code: String!): Workspace!
  workspaceLeave(id: String!): Boolean!
  workspacePermissionChange(input: WorkspacePermissionChangeInput!): Boolean!
  workspacePolicyDeploySourceAllowlistAdd(
    sourceId: String!, sourceType: WorkspacePolicyDeploySourceType!, workspaceId: String!
  ): WorkspacePolicyDeploySourceAllowlist!
  workspacePolicyDeploySourceAllowlistRemove(id: String!): Boolean!
  workspacePolicyItemUpdate(
    enabled: Boolean, input: WorkspacePolicyItemUpdateInput, policy: WorkspacePolicyName,
    workspaceId: String!
  ): Boolean!
  workspaceTwoFactorEnforcementUpdate(enabled: Boolean!, workspaceId: String!): Boolean!
  workspaceUpdate(id: String!, input: WorkspaceUpdateInput!): Boolean!
  workspaceUpsertSlackChannel(id: String!): Boolean!
  workspaceUserInvite(input: WorkspaceUserInviteInput!, workspaceId: String!): Boolean!
  workspaceUserRemove(input: WorkspaceUserRemoveInput!, workspaceId: String!): Boolean!
}
`;
