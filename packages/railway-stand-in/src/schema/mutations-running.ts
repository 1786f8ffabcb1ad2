/** Mutations of what runs: services, deployments, domains, networks, sandboxes, templates. */
export const MUTATIONS_RUNNING = `
extend type Mutation {
  cloudAgentCreate(input: CloudAgentCreateInput!): CloudAgent!
  cloudAgentDelete(id: ID!): Boolean!
  cloudAgentSleep(id: ID!): CloudAgent!
  cloudAgentStateReport(input: CloudAgentStateReportInput!): Boolean!
  cloudAgentWake(id: ID!): CloudAgent!
  customDomainCreate(input: CustomDomainCreateInput!): CustomDomain!
  customDomainDelete(id: String!): Boolean!
  customDomainIssueCertificate(id: String!): Boolean!
  customDomainUpdate(environmentId: String!, id: String!, targetPort: Int): Boolean!
  deploymentApprove(id: String!): Boolean!
  deploymentCancel(id: String!): Boolean!
  deploymentInstanceExecutionCreate(input: DeploymentInstanceExecutionCreateInput!): Boolean!
  deploymentRedeploy(id: String!, usePreviousImageTag: Boolean): Deployment!
  deploymentRemove(id: String!): Boolean!
  deploymentRestart(id: String!): Boolean!
  deploymentRollback(id: String!): Boolean!
  deploymentStop(id: String!): Boolean!
  deploymentTriggerCreate(input: DeploymentTriggerCreateInput!): DeploymentTrigger!
  deploymentTriggerDelete(id: String!): Boolean!
  deploymentTriggerUpdate(id: String!, input: DeploymentTriggerUpdateInput!): DeploymentTrigger!
  disableServiceCdn(input: DisableServiceCdnInput!): Boolean!
  dockerComposeImport(
    environmentId: String!, projectId: String!, skipStagingPatch: Boolean, yaml: String!
  ): DockerComposeImport!
  egressGatewayAssociationCreate(input: EgressGatewayCreateInput!): [EgressGateway!]!
  egressGatewayAssociationsClear(input: EgressGatewayServiceTargetInput!): Boolean!
  egressGatewayHAMigrationPreview(input: EgressGatewayServiceTargetInput!): EgressMigrationResult!
  egressGatewayRollbackFromHA(input: EgressGatewayServiceTargetInput!): [EgressGateway!]!
  egressGatewayUpgradeToHA(input: EgressGatewayServiceTargetInput!): [EgressGateway!]!
  enableServiceCdn(input: EnableServiceCdnInput!): EdgeConfig!
  githubRepoDeploy(input: GitHubRepoDeployInput!): String!
  githubRepoUpdate(input: GitHubRepoUpdateInput!): Boolean!
  herokuImportVariables(input: HerokuImportVariablesInput!): Int!
  integrationCreate(input: IntegrationCreateInput!): Integration!
  integrationDelete(id: String!): Boolean!
  integrationUpdate(id: String!, input: IntegrationUpdateInput!): Integration!
  notificationDeliveriesMarkAsRead(deliveryIds: [String!]!): Boolean!
  notificationRuleCreate(input: CreateNotificationRuleInput!): NotificationRule!
  notificationRuleDelete(id: String!): Boolean!
  notificationRuleUpdate(id: String!, input: UpdateNotificationRuleInput!): NotificationRule!
  observabilityDashboardCreate(input: ObservabilityDashboardCreateInput!): Boolean!
  observabilityDashboardReset(id: String!): Boolean!
  observabilityDashboardUpdate(id: String!, input: [ObservabilityDashboardUpdateInput!]!): Boolean!
  privateNetworkCreateOrGet(input: PrivateNetworkCreateOrGetInput!): PrivateNetwork!
  privateNetworkEndpointCreateOrGet(
    input: PrivateNetworkEndpointCreateOrGetInput!
  ): PrivateNetworkEndpoint!
  privateNetworkEndpointDelete(id: String!): Boolean!
  privateNetworkEndpointRename(dnsName: String!, id: String!, privateNetworkId: String!): Boolean!
  privateNetworksForEnvironmentDelete(environmentId: String!): Boolean!
  purgeServiceCache(input: PurgeServiceCacheInput!): Boolean!
  railwayDomainDnsRecordCreate(input: RailwayDomainDnsRecordCreateInput!): RailwayDomainDnsRecord!
  railwayDomainDnsRecordDelete(input: RailwayDomainDnsRecordDeleteInput!): Boolean!
  railwayDomainDnsRecordUpdate(input: RailwayDomainDnsRecordUpdateInput!): RailwayDomainDnsRecord!
  railwayDomainNameserversSet(input: RailwayDomainNameserversSetInput!): RailwayDomainNameservers!
  railwayDomainUpdate(input: RailwayDomainUpdateInput!): RailwayDomain!
  sandboxCheckpointCreate(
    environmentId: String!, name: String!, sandboxId: String!
  ): SandboxCheckpoint!
  sandboxCheckpointDelete(environmentId: String!, id: ID!): Boolean!
  sandboxCheckpointRename(environmentId: String!, id: ID!, name: String!): SandboxCheckpoint!
  sandboxCreate(input: SandboxCreateInput!): Sandbox!
  sandboxDestroy(environmentId: String!, id: String!): Sandbox
  sandboxExec(
    command: String!, environmentId: String!, id: String!, timeoutSec: Int
  ): SandboxExecResult!
  sandboxHeartbeat(environmentId: String!, id: String!): Sandbox
  sandboxTemplateBuild(environmentId: String!, input: SandboxTemplateInput!): SandboxTemplateBuild!
  serviceConnect(id: String!, input: ServiceConnectInput!): Service!
  serviceCreate(input: ServiceCreateInput!): Service!
  serviceDelete(environmentId: String, id: String!): Boolean!
  serviceDisconnect(id: String!): Service!
  serviceDomainCreate(input: ServiceDomainCreateInput!): ServiceDomain!
  serviceDomainDelete(id: String!): Boolean!
  serviceDomainUpdate(input: ServiceDomainUpdateInput!): Boolean!
  serviceDuplicate(environmentId: String!, serviceId: String!): Service!
  serviceFeatureFlagAdd(input: ServiceFeatureFlagToggleInput!): Boolean!
  serviceFeatureFlagRemove(input: ServiceFeatureFlagToggleInput!): Boolean!
  serviceInstanceAutoDeployUpdate(
    input: ServiceInstanceAutoDeployUpdateInput!
  ): ServiceInstanceAutoDeployUpdateResult!
  serviceInstanceDeploy(
    commitSha: String, environmentId: String!, latestCommit: Boolean, serviceId: String!
  ): Boolean!
  serviceInstanceDeployV2(commitSha: String, environmentId: String!, serviceId: String!): String!
  serviceInstanceLimitsUpdate(input: ServiceInstanceLimitsUpdateInput!): Boolean!
  serviceInstanceRedeploy(environmentId: String!, serviceId: String!): Boolean!
  serviceInstanceUpdate(
    environmentId: String, input: ServiceInstanceUpdateInput!, serviceId: String!
  ): Boolean!
  serviceInstanceVulnRemediationDismiss(environmentId: String!, serviceId: String!): Boolean!
  serviceInstanceVulnRemediationPatchNow(environmentId: String!, serviceId: String!): String!
  serviceRemoveUpstreamUrl(id: String!): Service!
  serviceUpdate(id: String!, input: ServiceUpdateInput!): Service!
  setServiceUnderAttackMode(input: SetServiceUnderAttackModeInput!): EdgeConfig!
  signalCreate(input: SignalCreateInput!): Signal!
  signalDefaultSet(input: SignalDefaultSetInput!): Signal!
  signalDelete(input: SignalDeleteInput!): Signal!
  signalReplace(input: SignalReplaceInput!): Signal!
  signalRollback(input: SignalRollbackInput!): Signal!
  signalRuleSet(input: SignalRuleSetInput!): Signal!
  signalRuleUnset(input: SignalRuleUnsetInput!): Signal!
  tcpProxyCreate(input: TCPProxyCreateInput!): TCPProxy!
  tcpProxyDelete(id: String!): Boolean!
  templateClone(input: TemplateCloneInput!): Template!
  templateDelete(id: String!, input: TemplateDeleteInput!): Boolean!
  templateDeploy(input: TemplateDeployInput!): TemplateDeployPayload!
  templateDeployV2(input: TemplateDeployV2Input!): TemplateDeployPayload!
  templateGenerate(input: TemplateGenerateInput!): Template!
  templatePublish(id: String!, input: TemplatePublishInput!): Template!
  templateServiceSourceEject(input: TemplateServiceSourceEjectInput!): Boolean!
  templateUnpublish(id: String!): Boolean!
  templateVolumeUpdate(
    serviceId: String!, sizeMB: Int, templateId: String!, volumeId: String!
  ): Template!
  trustedDomainCreate(input: WorkspaceTrustedDomainCreateInput!): TrustedDomain!
  trustedDomainDelete(id: String!): Boolean!
  trustedDomainRetriggerVerification(id: String!): TrustedDomain
  trustedDomainUpdate(input: WorkspaceTrustedDomainUpdateInput!): TrustedDomain!
  updateServiceEdgeConfig(input: UpdateServiceEdgeConfigInput!): EdgeConfig!
  updateServiceEdgeRules(input: UpdateServiceEdgeRulesInput!): EdgeConfig!
  webhookTest(payload: String!, url: String!): Int!
}
`;
