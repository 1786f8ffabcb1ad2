/** Inputs of the mutations of what runs: services, deployments, domains, networks, sandboxes, templates. */
export const INPUTS_RUNNING = `
input CloudAgentCreateInput { environmentId: String!, name: String, variables: JSON }
input CloudAgentSnapshotInput {
  harness: String!, lastEventKind: String!, prompt: String, sessionId: String!,
  sessionName: String, state: String!, taskId: String, terminal: Boolean!, updatedAt: String!
}
input CloudAgentStateReportInput {
  agents: [CloudAgentSnapshotInput!]!, cloudAgentId: String!, reportedAt: String!
}
input CreateNotificationRuleInput {
  channelConfigs: [NotificationChannelConfig!]!, ephemeralEnvironments: Boolean,
  eventTypes: [String!]!, projectId: String, severities: [NotificationSeverity!],
  workspaceId: String!
}
input CustomDomainCreateInput {
  domain: String!, environmentId: String!, projectId: String!, serviceId: String!, targetPort: Int
}
input DeploymentInstanceExecutionCreateInput { serviceInstanceId: String! }
input DeploymentTriggerCreateInput {
  branch: String!, checkSuites: Boolean, environmentId: String!, projectId: String!,
  provider: String!, repository: String!, rootDirectory: String, serviceId: String!
}
input DeploymentTriggerUpdateInput {
  branch: String, checkSuites: Boolean, repository: String, rootDirectory: String
}
input DisableServiceCdnInput { environmentId: String!, serviceId: String! }
input EdgeCachingConfigInput {
  defaultTtlSeconds: Int, htmlCaching: String, mode: String, purgeOnDeploy: PurgeOnDeploy,
  staleWhileRevalidate: StaleWhileRevalidateInput
}
input EdgeConfigInput { caching: EdgeCachingConfigInput }
input EgressGatewayCreateInput { environmentId: String!, region: String, serviceId: String! }
input EgressGatewayServiceTargetInput {
  allEnvironments: Boolean, environmentId: String!, serviceId: String!
}
input EnableServiceCdnInput { config: EdgeConfigInput, environmentId: String!, serviceId: String! }
input GitHubRepoDeployInput {
  branch: String, environmentId: String, projectId: String!, repo: String!
}
input GitHubRepoUpdateInput { environmentId: String!, projectId: String!, serviceId: String! }
input HerokuImportVariablesInput {
  environmentId: String!, herokuAppId: String!, projectId: String!, serviceId: String!
}
input IntegrationCreateInput {
  config: JSON!, integrationAuthId: String, name: String!, projectId: String!
}
input IntegrationUpdateInput {
  config: JSON!, integrationAuthId: String, name: String!, projectId: String!
}
input ObservabilityDashboardCreateInput {
  environmentId: String!, items: [ObservabilityDashboardUpdateInput!]
}
input ObservabilityDashboardItemConfigInput {
  httpMetric: HttpMetricKind, logsFilter: String, measurements: [MetricMeasurement!],
  projectUsageProperties: [ProjectUsageProperty!], resourceIds: [String!]
}
input ObservabilityDashboardItemCreateInput {
  config: ObservabilityDashboardItemConfigInput!, description: String, id: String!, name: String!,
  type: ObservabilityDashboardItemType!
}
input ObservabilityDashboardUpdateInput {
  dashboardItem: ObservabilityDashboardItemCreateInput!, displayConfig: DisplayConfig!,
  id: String!
}
input PrivateNetworkCreateOrGetInput {
  environmentId: String!, name: String!, projectId: String!, tags: [String!]!
}
input PrivateNetworkEndpointCreateOrGetInput {
  environmentId: String!, privateNetworkId: String!, serviceId: String!, serviceName: String!,
  tags: [String!]!
}
input PurgeServiceCacheInput { environmentId: String!, scope: PurgeCacheScope!, serviceId: String! }
input RailwayDomainDnsRecordCreateInput {
  answer: String!, domain: String!, host: String!, priority: Int, ttl: Int,
  type: RailwayDomainDnsRecordType!, workspaceId: String!
}
input RailwayDomainDnsRecordDeleteInput { domain: String!, recordId: Int!, workspaceId: String! }
input RailwayDomainDnsRecordUpdateInput {
  answer: String!, domain: String!, host: String!, priority: Int, recordId: Int!, ttl: Int,
  type: RailwayDomainDnsRecordType!, workspaceId: String!
}
input RailwayDomainNameserversSetInput { id: String!, nameservers: [String!]! }
input RailwayDomainUpdateInput { autoRenewEnabled: Boolean, id: String! }
input RegistryCredentialsInput { password: String!, username: String! }
input SandboxCreateInput {
  environmentId: String!, idleTimeoutMinutes: Int, networkIsolation: SandboxNetworkIsolation,
  region: String, sourceSandboxId: String, template: SandboxTemplateInput,
  variables: EnvironmentVariables
}
input SandboxTemplateInput {
  baseImageDigest: String, instructions: [String!], name: String, variables: EnvironmentVariables
}
input ServiceConnectInput { branch: String, image: String, repo: String }
input ServiceCreateInput {
  branch: String, environmentId: String, icon: String, name: String, projectId: String!,
  registryCredentials: RegistryCredentialsInput, source: ServiceSourceInput, templateId: String,
  templateServiceId: String, variables: EnvironmentVariables
}
input ServiceDomainCreateInput { environmentId: String!, serviceId: String!, targetPort: Int }
input ServiceDomainUpdateInput {
  domain: String!, environmentId: String!, serviceDomainId: String!, serviceId: String!,
  targetPort: Int
}
input ServiceFeatureFlagToggleInput { flag: ActiveServiceFeatureFlag!, serviceId: String! }
input ServiceInstanceAutoDeployUpdateInput {
  enabled: Boolean!, environmentId: String!, projectId: String!, serviceId: String!
}
input ServiceInstanceLimitsUpdateInput {
  environmentId: String!, memoryGB: Float, serviceId: String!, vCPUs: Float
}
input ServiceInstanceUpdateInput {
  buildCommand: String, builder: Builder, cronSchedule: String, dockerfilePath: String,
  drainingSeconds: Int, healthcheckPath: String, healthcheckTimeout: Int,
  ipv6EgressEnabled: Boolean, multiRegionConfig: JSON, nixpacksPlan: JSON, numReplicas: Int,
  overlapSeconds: Int, preDeployCommand: [String!], railwayConfigFile: String, region: String,
  registryCredentials: RegistryCredentialsInput, restartPolicyMaxRetries: Int,
  restartPolicyType: RestartPolicyType, rootDirectory: String, sleepApplication: Boolean,
  source: ServiceSourceInput, startCommand: String, watchPatterns: [String!]
}
input ServiceSourceInput { image: String, repo: String }
input ServiceUpdateInput { icon: String, name: String }
input SetServiceUnderAttackModeInput {
  durationSeconds: Int, enabled: Boolean!, environmentId: String!, serviceId: String!
}
input SignalCreateInput {
  default: JSON!, name: String!, owner: String!, type: SignalType!, writableBy: [String!]
}
input SignalDefaultSetInput { default: JSON!, name: String!, owner: String! }
input SignalDeleteInput { name: String!, owner: String! }
input SignalReplaceInput { default: JSON!, name: String!, owner: String!, type: SignalType! }
input SignalRollbackInput { name: String!, owner: String!, seq: BigInt! }
input SignalRuleSetInput {
  expression: JSON!, name: String!, owner: String!, ruleId: String!, value: JSON!
}
input SignalRuleUnsetInput { name: String!, owner: String!, ruleId: String! }
input StaleWhileRevalidateInput { enabled: Boolean! }
input TCPProxyCreateInput { applicationPort: Int!, environmentId: String!, serviceId: String! }
input TemplateCloneInput { code: String!, workspaceId: String }
input TemplateDeleteInput { workspaceId: String }
input TemplateDeployInput {
  environmentId: String, projectId: String, services: [TemplateDeployService!]!,
  templateCode: String, workspaceId: String
}
input TemplateDeployService {
  commit: String, hasDomain: Boolean, healthcheckPath: String, id: String!, isPrivate: Boolean,
  name: String, owner: String, preDeployCommand: [String!], rootDirectory: String,
  serviceDomainPorts: [Int!], serviceIcon: String, serviceName: String!, startCommand: String,
  tcpProxyApplicationPort: Int, tcpProxyApplicationPorts: [Int!], template: String!,
  variables: EnvironmentVariables, volumes: [TemplateVolume!]
}
input TemplateDeployV2Input {
  environmentId: String, existingRootServiceId: String, projectId: String,
  serializedConfig: SerializedTemplateConfig!, stageOnly: Boolean, templateId: String!,
  workspaceId: String
}
input TemplateGenerateInput { environmentId: String, projectId: String! }
input TemplatePublishInput {
  category: String!, demoProjectId: String, description: String!, image: String, readme: String!,
  workspaceId: String
}
input TemplateServiceSourceEjectInput {
  projectId: String!, repoName: String!, repoOwner: String!, serviceIds: [String!]!,
  upstreamUrl: String!
}
input UpdateNotificationRuleInput {
  channelConfigs: [NotificationChannelConfig!], ephemeralEnvironments: Boolean,
  eventTypes: [String!], severities: [NotificationSeverity!]
}
input UpdateServiceEdgeConfigInput {
  config: EdgeConfigInput!, environmentId: String!, serviceId: String!
}
input UpdateServiceEdgeRulesInput { edgeRules: JSON, environmentId: String!, serviceId: String! }
input WorkspaceTrustedDomainCreateInput { domainName: String!, role: String!, workspaceId: String! }
input WorkspaceTrustedDomainUpdateInput { id: String!, role: String! }
`;
