/** Inputs of the mutations of projects, environments, volumes, backups, buckets and variables. */
export const INPUTS_DATA = `
input BaseEnvironmentOverrideInput { baseEnvironmentOverrideId: String }
input BucketCreateInput { environmentId: String, name: String, projectId: String! }
input BucketUpdateInput { name: String! }
input DisablePitrForHaClusterInput {
  environmentId: String!, projectId: String!, rootServiceId: String!
}
input EnablePitrForHaClusterInput {
  environmentId: String!, projectId: String!, rootServiceId: String!
}
input EnvironmentCreateInput {
  applyChangesInBackground: Boolean, ephemeral: Boolean, name: String!, projectId: String!,
  skipInitialDeploys: Boolean, sourceEnvironmentId: String, stageInitialChanges: Boolean
}
input EnvironmentRenameInput { name: String! }
input EnvironmentTriggersDeployInput {
  environmentId: String!, projectId: String!, serviceId: String!
}
input PluginCreateInput {
  environmentId: String, friendlyName: String, name: String!, projectId: String!
}
input PluginRestartInput { environmentId: String }
input PluginUpdateInput { friendlyName: String! }
input ProjectCreateInput {
  defaultEnvironmentName: String, description: String, isMonorepo: Boolean, isPublic: Boolean,
  name: String, prDeploys: Boolean, repo: ProjectCreateRepo, runtime: PublicRuntime,
  workspaceId: String
}
input ProjectCreateRepo { branch: String!, fullRepoName: String! }
input ProjectFeatureFlagToggleInput { flag: ActiveProjectFeatureFlag!, projectId: String! }
input ProjectInviteUserInput { email: String!, link: String! }
input ProjectInvitee { email: String!, role: ProjectRole! }
input ProjectMemberAddInput { projectId: String!, role: ProjectRole!, userId: String! }
input ProjectMemberRemoveInput { projectId: String!, userId: String! }
input ProjectMemberUpdateInput { projectId: String!, role: ProjectRole!, userId: String! }
input ProjectTokenCreateInput { environmentId: String!, name: String!, projectId: String! }
input ProjectTransferConfirmInput {
  destinationWorkspaceId: String, ownershipTransferId: String!, projectId: String!
}
input ProjectTransferInitiateInput { memberId: String!, projectId: String! }
input ProjectTransferInput { workspaceId: String! }
input ProjectTransferToTeamInput { teamId: String! }
input ProjectUpdateInput {
  baseEnvironmentId: String, botPrEnvironments: Boolean, description: String,
  focusedPrEnvironments: Boolean, isPublic: Boolean, name: String, prDeploys: Boolean
}
input ResetPluginCredentialsInput { environmentId: String! }
input ResetPluginInput { environmentId: String! }
input SharedVariableConfigureInput {
  disabledServiceIds: [String!]!, enabledServiceIds: [String!]!, environmentId: String!,
  name: String!, projectId: String!
}
input TemplateRevertInput {
  environmentId: String!, groupId: String, projectId: String!, rootServiceId: String!,
  stageOnly: Boolean, templateCode: String!
}
input VariableCollectionUpsertInput {
  environmentId: String!, projectId: String!, replace: Boolean = false, serviceId: String,
  skipDeploys: Boolean = false, variables: EnvironmentVariables!
}
input VariableDeleteInput {
  environmentId: String!, name: String!, projectId: String!, serviceId: String
}
input VariableUpsertInput {
  environmentId: String!, name: String!, projectId: String!, serviceId: String,
  skipDeploys: Boolean = false, value: String!
}
input VolumeCreateInput {
  environmentId: String, mountPath: String!, projectId: String!, region: String, serviceId: String
}
input VolumeInstanceUpdateInput { mountPath: String, serviceId: String, state: VolumeState }
input VolumeUpdateInput { name: String }
`;
