/** Mutations of projects, environments, volumes, backups, buckets and variables. */
export const MUTATIONS_DATA = `
extend type Mutation {
  baseEnvironmentOverride(id: String!, input: BaseEnvironmentOverrideInput!): Boolean!
  bucketCreate(input: BucketCreateInput!): Bucket!
  bucketCredentialsReset(
    bucketId: String!, environmentId: String!, projectId: String!, redeployDependents: Boolean
  ): BucketS3CompatibleCredentials!
  bucketUpdate(id: String!, input: BucketUpdateInput!): Bucket!
  cancelPitrHaWorkflow(environmentId: String!, rootServiceId: String!): Boolean!
  canvasViewMerge(sourceEnvironmentId: String!, targetEnvironmentId: String!): Boolean!
  clearPitrHaWorkflowProgress(environmentId: String!, rootServiceId: String!): Boolean!
  disablePitrForHaCluster(input: DisablePitrForHaClusterInput!): TemplateDeployPayload!
  enablePitrForHaCluster(input: EnablePitrForHaClusterInput!): TemplateDeployPayload!
  environmentApplyChangeSet(
    baseConfigEtag: String, commitMessage: String, environmentId: String!, input: JSON!,
    waitForCompletion: Boolean
  ): ChangeSetApplyResult!
  environmentCreate(input: EnvironmentCreateInput!): Environment!
  environmentDelete(id: String!): Boolean!
  environmentPatchCommit(
    commitMessage: String, environmentId: String!, patch: EnvironmentConfig
  ): String!
  environmentPatchCommitStaged(
    commitMessage: String, environmentId: String!, skipDeploys: Boolean
  ): String!
  environmentPreviewChangeSet(environmentId: String!, input: JSON!): ChangeSetPreview!
  environmentRename(id: String!, input: EnvironmentRenameInput!): Environment!
  environmentStageChanges(
    environmentId: String!, input: EnvironmentConfig!, merge: Boolean
  ): EnvironmentPatch!
  environmentTriggersDeploy(input: EnvironmentTriggersDeployInput!): Boolean!
  environmentUnskipService(environmentId: String!, serviceId: String!): Boolean!
  pluginCreate(input: PluginCreateInput!): Plugin!
  pluginDelete(environmentId: String, id: String!): Boolean!
  pluginReset(id: String!, input: ResetPluginInput!): Boolean!
  pluginResetCredentials(id: String!, input: ResetPluginCredentialsInput!): String!
  pluginRestart(id: String!, input: PluginRestartInput!): Plugin!
  pluginStart(id: String!, input: PluginRestartInput!): Boolean!
  pluginUpdate(id: String!, input: PluginUpdateInput!): Plugin!
  projectClaim(id: String!, workspaceId: String!): Project!
  projectCreate(input: ProjectCreateInput!): Project!
  projectDelete(id: String!): Boolean!
  projectFeatureFlagAdd(input: ProjectFeatureFlagToggleInput!): Boolean!
  projectFeatureFlagRemove(input: ProjectFeatureFlagToggleInput!): Boolean!
  projectInvitationAccept(code: String!): ProjectPermission!
  projectInvitationCreate(id: String!, input: ProjectInvitee!): ProjectInvitation!
  projectInvitationDelete(id: String!): Boolean!
  projectInvitationResend(id: String!): ProjectInvitation!
  projectInviteUser(id: String!, input: ProjectInviteUserInput!): Boolean!
  projectLeave(id: String!): Boolean!
  projectMemberAdd(input: ProjectMemberAddInput!): ProjectMember!
  projectMemberRemove(input: ProjectMemberRemoveInput!): [ProjectMember!]!
  projectMemberUpdate(input: ProjectMemberUpdateInput!): ProjectMember!
  projectScheduleDelete(id: String!): Boolean!
  projectScheduleDeleteCancel(id: String!): Boolean!
  projectScheduleDeleteForce(id: String!): Boolean!
  projectTokenCreate(input: ProjectTokenCreateInput!): String!
  projectTokenDelete(id: String!): Boolean!
  projectTransfer(input: ProjectTransferInput!, projectId: String!): Boolean!
  projectTransferConfirm(input: ProjectTransferConfirmInput!): Boolean!
  projectTransferInitiate(input: ProjectTransferInitiateInput!): Boolean!
  projectTransferToTeam(id: String!, input: ProjectTransferToTeamInput!): Boolean!
  projectUpdate(id: String!, input: ProjectUpdateInput!): Project!
  sharedVariableConfigure(input: SharedVariableConfigureInput!): Variable!
  templateRevert(input: TemplateRevertInput!): TemplateDeployPayload!
  variableCollectionUpsert(input: VariableCollectionUpsertInput!): Boolean!
  variableDelete(input: VariableDeleteInput!): Boolean!
  variableUpsert(input: VariableUpsertInput!): Boolean!
  volumeCreate(input: VolumeCreateInput!): Volume!
  volumeDelete(volumeId: String!): Boolean!
  volumeInstanceBackupCreate(name: String, volumeInstanceId: String!): WorkflowId!
  volumeInstanceBackupDelete(
    volumeInstanceBackupId: String!, volumeInstanceId: String!
  ): WorkflowId!
  volumeInstanceBackupLock(volumeInstanceBackupId: String!, volumeInstanceId: String!): Boolean!
  volumeInstanceBackupRestore(
    replicaServiceIds: [String!], volumeInstanceBackupId: String!, volumeInstanceId: String!,
    wipeServiceIds: [String!]
  ): WorkflowId!
  volumeInstanceBackupScheduleUpdate(
    kinds: [VolumeInstanceBackupScheduleKind!]!, volumeInstanceId: String!
  ): Boolean!
  volumeInstancePITRRestore(
    newServiceName: String, sourceRepoPath: String, targetTimestamp: DateTime!,
    volumeInstanceId: String!
  ): WorkflowId!
  volumeInstanceUpdate(
    environmentId: String, input: VolumeInstanceUpdateInput!, volumeId: String!
  ): Boolean!
  volumeUpdate(input: VolumeUpdateInput!, volumeId: String!): Volume!
  workspaceDelete(id: String!): Boolean!
}
`;
