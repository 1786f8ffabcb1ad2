/** The queries that an inventory is made of. */
export const QUERIES = `
extend type Query {
  adminVolumeInstancesForVolume(volumeId: String!): [VolumeInstance!]!
  apiToken: ApiTokenContext!
  apiTokens(after: String, before: String, first: Int, last: Int): QueryApiTokensConnection!
  bucketS3Credentials(
    bucketId: String!, environmentId: String!, projectId: String!
  ): [BucketS3CompatibleCredentials!]!
  cloudAgent(environmentId: ID!, id: ID!): CloudAgent
  cloudAgents(environmentId: ID!, mine: Boolean): [CloudAgent!]!
  customDomain(id: String!, projectId: String!): CustomDomain!
  deployment(id: String!): Deployment!
  deploymentLogs(
    deploymentId: String!, endDate: DateTime, filter: String, limit: Int, startDate: DateTime
  ): [Log!]!
  deployments(
    after: String, before: String, first: Int, input: DeploymentListInput!, last: Int
  ): QueryDeploymentsConnection!
  domains(environmentId: String!, projectId: String!, serviceId: String!): AllDomains!
  environment(id: String!, projectId: String): Environment!
  environmentPatch(id: String!): EnvironmentPatch!
  environmentStagedChanges(environmentId: String!): EnvironmentPatch!
  environments(
    after: String, before: String, first: Int, isEphemeral: Boolean, last: Int, projectId: String!
  ): QueryEnvironmentsConnection!
  externalWorkspaces(projectId: String): [ExternalWorkspace!]!
  me: User!
  plugin(id: String!): Plugin!
  project(id: String!): Project!
  projectToken: ProjectToken!
  projectTokens(
    after: String, before: String, first: Int, last: Int, projectId: String!
  ): QueryProjectTokensConnection!
  projects(
    after: String, before: String, first: Int, includeDeleted: Boolean, last: Int,
    orderBy: ProjectsOrderBy, userId: String, workspaceId: String
  ): QueryProjectsConnection!
  projectsByIds(ids: [String!]!): [Project!]!
  sandbox(environmentId: String!, id: String!): Sandbox
  sandboxCheckpoints(environmentId: String!): [SandboxCheckpoint!]!
  sandboxes(
    after: String, before: String, environmentId: String!, first: Int, last: Int
  ): QuerySandboxesConnection!
  service(id: String!): Service!
  serviceInstance(environmentId: String!, serviceId: String!): ServiceInstance!
  signal(name: String!, owner: String): Signal
  signals(owner: String): [Signal!]!
  variables(
    environmentId: String!, projectId: String!, serviceId: String, unrendered: Boolean
  ): EnvironmentVariables!
  variablesForServiceDeployment(
    environmentId: String!, projectId: String!, serviceId: String!
  ): EnvironmentVariables!
  volumeInstance(id: String!): VolumeInstance!
  volumeInstanceBackupList(volumeInstanceId: String!): [VolumeInstanceBackup!]!
  volumeInstanceBackupScheduleList(volumeInstanceId: String!): [VolumeInstanceBackupSchedule!]!
  workflowStatus(workflowId: String!): WorkflowResult!
  workspace(workspaceId: String!): Workspace!
}
input DeploymentListInput {
  environmentId: String, includeDeleted: Boolean, projectId: String, serviceId: String,
  status: DeploymentStatusInput
}
input DeploymentStatusInput { in: [DeploymentStatus!], notIn: [DeploymentStatus!] }
`;
