/** Types of what the world keeps. */
export const TYPES_KEPT = `
type AllDomains { customDomains: [CustomDomain!]!, serviceDomains: [ServiceDomain!]! }
type ApiToken {
  displayToken: String!, expiresAt: DateTime, id: ID!, name: String!, workspaceId: String
}
type ApiTokenContext { workspaces: [ApiTokenWorkspace!]! }
type ApiTokenWorkspace { id: String!, name: String! }
type Bucket {
  createdAt: DateTime!, groupId: String, id: ID!, name: String!, project: Project!,
  projectId: String!, updatedAt: DateTime!
}
type BucketS3CompatibleCredentials {
  accessKeyId: String!, bucketName: String!, createdAt: DateTime!, endpoint: String!,
  region: String!, secretAccessKey: String!, urlStyle: String!
}
type CloudAgent {
  consoleTargetId: String, createdAt: DateTime!, domain: String, environmentId: String!, id: ID!,
  name: String!, projectId: String!, status: CloudAgentStatus!
}
type CustomDomain {
  cdnMode: String, createdAt: DateTime, deletedAt: DateTime, domain: String!, edgeId: String,
  environmentId: String!, id: ID!, isRailwayDomain: Boolean!, projectId: String,
  serviceId: String!, status: CustomDomainStatus!, syncStatus: CustomDomainSyncStatus!, targetPort: Int, updatedAt: DateTime
}
type Deployment {
  canRedeploy: Boolean!, canRollback: Boolean!, createdAt: DateTime!, deploymentStopped: Boolean!,
  diagnosis: DeploymentDiagnosis, environment: Environment!, environmentId: String!, id: ID!,
  instances: [DeploymentDeploymentInstance!]!, meta: DeploymentMeta, projectId: String!, service: Service!, serviceId: String,
  snapshotId: String, staticUrl: String, status: DeploymentStatus!, statusUpdatedAt: DateTime,
  suggestAddServiceDomain: Boolean!, updatedAt: DateTime!, url: String
}
type Environment {
  canAccess: Boolean!, canvasGroupRefs: JSON!,
  config(decryptVariables: Boolean): EnvironmentConfig!, configEtag: String!, createdAt: DateTime!,
  deletedAt: DateTime, id: ID!, isEphemeral: Boolean!, name: String!, projectId: String!,
  serviceInstances(
    after: String, before: String, first: Int, last: Int
  ): EnvironmentServiceInstancesConnection!,
  sourceEnvironment: Environment, unmergedChangesCount: Int, updatedAt: DateTime!,
  variables(
    after: String, before: String, first: Int, last: Int
  ): EnvironmentVariablesConnection!,
  volumeInstances(
    after: String, before: String, first: Int, last: Int
  ): EnvironmentVolumeInstancesConnection!,
}
type EnvironmentPatch {
  appliedAt: DateTime, createdAt: DateTime!, environment: Environment!, environmentId: String!,
  id: ID!, lastAppliedError: String, message: String,
  patch(decryptVariables: Boolean): EnvironmentConfig!, status: EnvironmentPatchStatus!,
  updatedAt: DateTime!
}
type EnvironmentServiceInstancesConnection {
  edges: [EnvironmentServiceInstancesConnectionEdge!]!, pageInfo: PageInfo!
}
type EnvironmentServiceInstancesConnectionEdge { cursor: String!, node: ServiceInstance! }
type EnvironmentVolumeInstancesConnection {
  edges: [EnvironmentVolumeInstancesConnectionEdge!]!, pageInfo: PageInfo!
}
type EnvironmentVolumeInstancesConnectionEdge { cursor: String!, node: VolumeInstance! }
type ExternalWorkspace { id: String!, name: String!, projects: [Project!]!, teamId: String }
type PageInfo {
  endCursor: String, hasNextPage: Boolean!, hasPreviousPage: Boolean!, startCursor: String
}
type EnvironmentVariablesConnection {
  edges: [EnvironmentVariablesConnectionEdge!]!, pageInfo: PageInfo!
}
type EnvironmentVariablesConnectionEdge { cursor: String!, node: Variable! }
type Plugin {
  createdAt: DateTime!, deletedAt: DateTime, deprecatedAt: DateTime, friendlyName: String!,
  id: ID!, logsEnabled: Boolean!, migrationDatabaseServiceId: String, name: PluginType!,
  project: Project!, status: PluginStatus!
}
type Project {
  baseEnvironment: Environment, baseEnvironmentId: String, botPrEnvironments: Boolean!,
  buckets(after: String, before: String, first: Int, last: Int): ProjectBucketsConnection!,
  createdAt: DateTime!, deletedAt: DateTime, description: String,
  environments(
    after: String, before: String, first: Int, isEphemeral: Boolean, last: Int, sort: SortOrder
  ): ProjectEnvironmentsConnection!,
  expiredAt: DateTime, featureFlags: [ActiveProjectFeatureFlag!]!, focusedPrEnvironments: Boolean!,
  id: ID!, isPublic: Boolean!, isTempProject: Boolean!, members: [ProjectMember!]!, name: String!,
  plugins(after: String, before: String, first: Int, last: Int): ProjectPluginsConnection!,
  prDeploys: Boolean!, primaryEnvironmentId: String,
  services(after: String, before: String, first: Int, last: Int): ProjectServicesConnection!,
  subscriptionPlanLimit: SubscriptionPlanLimit!, subscriptionType: SubscriptionPlanType!,
  teamId: String, updatedAt: DateTime!,
  volumes(after: String, before: String, first: Int, last: Int): ProjectVolumesConnection!,
  workspace: Workspace, workspaceId: String
}
type ProjectBucketsConnection { edges: [ProjectBucketsConnectionEdge!]!, pageInfo: PageInfo! }
type ProjectBucketsConnectionEdge { cursor: String!, node: Bucket! }
type ProjectEnvironmentsConnection {
  edges: [ProjectEnvironmentsConnectionEdge!]!, pageInfo: PageInfo!
}
type ProjectEnvironmentsConnectionEdge { cursor: String!, node: Environment! }
type ProjectPluginsConnection { edges: [ProjectPluginsConnectionEdge!]!, pageInfo: PageInfo! }
type ProjectPluginsConnectionEdge { cursor: String!, node: Plugin! }
type ProjectServicesConnection { edges: [ProjectServicesConnectionEdge!]!, pageInfo: PageInfo! }
type ProjectServicesConnectionEdge { cursor: String!, node: Service! }
type ProjectToken {
  createdAt: DateTime!, displayToken: String!, environment: Environment!, environmentId: String!,
  id: ID!, name: String!, project: Project!, projectId: String!
}
type ProjectVolumesConnection { edges: [ProjectVolumesConnectionEdge!]!, pageInfo: PageInfo! }
type ProjectVolumesConnectionEdge { cursor: String!, node: Volume! }
type QueryApiTokensConnection { edges: [QueryApiTokensConnectionEdge!]!, pageInfo: PageInfo! }
type QueryApiTokensConnectionEdge { cursor: String!, node: ApiToken! }
type QueryDeploymentsConnection { edges: [QueryDeploymentsConnectionEdge!]!, pageInfo: PageInfo! }
type QueryDeploymentsConnectionEdge { cursor: String!, node: Deployment! }
type QueryEnvironmentsConnection { edges: [QueryEnvironmentsConnectionEdge!]!, pageInfo: PageInfo! }
type QueryEnvironmentsConnectionEdge { cursor: String!, node: Environment! }
type QueryProjectTokensConnection {
  edges: [QueryProjectTokensConnectionEdge!]!, pageInfo: PageInfo!
}
type QueryProjectTokensConnectionEdge { cursor: String!, node: ProjectToken! }
type QueryProjectsConnection { edges: [QueryProjectsConnectionEdge!]!, pageInfo: PageInfo! }
type QueryProjectsConnectionEdge { cursor: String!, node: Project! }
type QuerySandboxesConnection { edges: [QuerySandboxesConnectionEdge!]!, pageInfo: PageInfo! }
type QuerySandboxesConnectionEdge { cursor: String!, node: Sandbox! }
type Sandbox {
  createdAt: DateTime!, environmentId: String!, id: ID!, idleTimeoutMinutes: Int,
  networkIsolation: SandboxNetworkIsolation!, region: String!, status: SandboxStatus!
}
type SandboxCheckpoint { createdAt: DateTime!, environmentId: String!, id: ID!, key: String! }
type Service {
  createdAt: DateTime!, deletedAt: DateTime, featureFlags: [ActiveServiceFeatureFlag!]!,
  groupId: String, hasHiddenRegistryCredentialsFromTemplate: Boolean!, icon: String, id: ID!,
  isRestricted: Boolean!, name: String!, project: Project!, projectId: String!,
  serviceInstances(
    after: String, before: String, first: Int, last: Int
  ): ServiceServiceInstancesConnection!,
  templateId: String, templateServiceId: String, templateThreadSlug: String, updatedAt: DateTime!
}
type ServiceDomain {
  cdnMode: String, createdAt: DateTime, deletedAt: DateTime, domain: String!, edgeId: String,
  environmentId: String!, id: ID!, newDomainName: String, newHostLabel: String, projectId: String,
  serviceId: String!, suffix: String, syncStatus: ServiceDomainSyncStatus!, targetPort: Int,
  updatedAt: DateTime
}
type ServiceInstance {
  activeDeployments: [Deployment!]!, buildCommand: String, builder: Builder!, createdAt: DateTime!,
  cronSchedule: String, deletedAt: DateTime, dockerfilePath: String, domains: AllDomains!,
  drainingSeconds: Int, edgeConfig: EdgeConfig, environmentId: String!, healthcheckPath: String,
  healthcheckTimeout: Int, id: ID!, ipv6EgressEnabled: Boolean, isUpdatable: Boolean!,
  latestDeployment: Deployment, nextCronRunAt: DateTime, nixpacksPlan: JSON, numReplicas: Int,
  overlapSeconds: Int, preDeployCommand: JSON, railpackInfo: RailpackInfo,
  railwayConfigFile: String, region: String, restartPolicyMaxRetries: Int!,
  restartPolicyType: RestartPolicyType!, rootDirectory: String, service: Service!,
  serviceId: String!, serviceName: String!, source: ServiceSource, sleepApplication: Boolean, startCommand: String,
  updatedAt: DateTime!, upstreamUrl: String, watchPatterns: [String!]!
}
type ServiceSource { image: String, repo: String }
type ServiceServiceInstancesConnection {
  edges: [ServiceServiceInstancesConnectionEdge!]!, pageInfo: PageInfo!
}
type ServiceServiceInstancesConnectionEdge { cursor: String!, node: ServiceInstance! }
type Signal {
  createdAt: DateTime!, createdBy: String, default: JSON!, id: ID!, name: String!, owner: String!,
  rules: JSON!, type: SignalType!, updatedAt: DateTime!, version: BigInt!, writableBy: [String!]!
}
type Team { id: ID! }
type User {
  agreedFairUse: Boolean!, avatar: String, banReason: String, createdAt: DateTime!, email: String!,
  featureFlags: [ActiveFeatureFlag!]!, flags: [UserFlag!]!, githubProviderId: String,
  githubUsername: String, has2FA: Boolean!, hasPasskeys: Boolean!, id: ID!, isAdmin: Boolean!,
  isConductor: Boolean!, isVerified: Boolean!, lastLogin: DateTime!, name: String,
  platformFeatureFlags: [ActivePlatformFlag!]!,
  projects(after: String, before: String, first: Int, last: Int): UserProjectsConnection!,
  registrationStatus: RegistrationStatus!, riskLevel: Float, termsAgreedOn: DateTime,
  username: String, workspace: Workspace, workspaces: [Workspace!]!
}
type UserProjectsConnection { edges: [UserProjectsConnectionEdge!]!, pageInfo: PageInfo! }
type UserProjectsConnectionEdge { cursor: String!, node: Project! }
type Variable {
  createdAt: DateTime!, environment: Environment!, environmentId: String, id: ID!,
  isSealed: Boolean!, name: String!, plugin: Plugin!, pluginId: String, references: [String!]!,
  service: Service!, serviceId: String, updatedAt: DateTime!
}
type Volume {
  createdAt: DateTime!, id: ID!, name: String!, project: Project!, projectId: String!,
  volumeInstances(
    after: String, before: String, first: Int, last: Int
  ): VolumeVolumeInstancesConnection!,
}
type VolumeInstance {
  createdAt: DateTime!, currentSizeMB: Float!, deletedAt: DateTime, environment: Environment!,
  environmentId: String!, externalId: String, id: ID!, isPendingDeletion: Boolean!,
  mountPath: String!, region: String, service: Service!, serviceId: String, sizeMB: Int!,
  state: VolumeState, volume: Volume!, volumeId: String!
}
type VolumeInstanceBackup {
  createdAt: DateTime!, creatorId: String, expiresAt: DateTime, externalId: String!, id: String!,
  name: String, referencedMB: Int, scheduleId: String, usedMB: Int, volumeInstanceSizeMB: Int
}
type VolumeInstanceBackupSchedule {
  createdAt: DateTime!, cron: String!, id: ID!, kind: VolumeInstanceBackupScheduleKind!,
  name: String!, retentionSeconds: Int
}
type VolumeVolumeInstancesConnection {
  edges: [VolumeVolumeInstancesConnectionEdge!]!, pageInfo: PageInfo!
}
type VolumeVolumeInstancesConnectionEdge { cursor: String!, node: VolumeInstance! }
type WorkflowResult { error: String, status: WorkflowStatus! }
type Workspace {
  adoptionLevel: Float!, allowDeprecatedRegions: Boolean, avatar: String, banReason: String,
  createdAt: DateTime!, discordRole: String, has2FAEnforcement: Boolean!,
  hasAutomaticDiagnosis: Boolean!, hasGuardrailsAccess: Boolean!, hasHipaaBAA: Boolean!,
  hasSAML: Boolean!, id: ID!, name: String!, plan: Plan!, preferredRegion: String,
  projectCount(includeDeleted: Boolean): Int!,
  projects(after: String, before: String, first: Int, last: Int): WorkspaceProjectsConnection!,
  redactedDueTo2FAPending: Boolean!, slackChannelId: String, subscriptionModel: SubscriptionModel!,
  subscriptionPlanLimit: SubscriptionPlanLimit, supportTierOverride: SupportTierOverride,
  team: Team, updatedAt: DateTime!, usersWithout2FA: [String!]!
}
type WorkspaceProjectsConnection { edges: [WorkspaceProjectsConnectionEdge!]!, pageInfo: PageInfo! }
type WorkspaceProjectsConnectionEdge { cursor: String!, node: Project! }
`;
