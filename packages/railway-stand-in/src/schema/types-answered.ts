/** Types that only mutations answer with: their plain fields. */
export const TYPES_ANSWERED = `
type ChangeSetApplyResult {
  deploymentId: String, diagnostics: JSON!, id: String!, stagedPatchId: String, status: String!
}
type ChangeSetPreview { changeSet: JSON!, diagnostics: JSON!, effects: JSON! }
type DeploymentTrigger {
  baseEnvironmentOverrideId: String, branch: String!, checkSuites: Boolean!,
  environmentId: String!, id: ID!, projectId: String!, provider: String!, repository: String!,
  serviceId: String, validCheckSuites: Int!
}
type DockerComposeImport { errors: [String!]!, patch: EnvironmentConfig }
type EdgeConfig {
  edgeRules: JSON, enabled: Boolean!, id: String!, overrides: JSON!, purgeEpoch: Int!,
  purgeEpochByKind: JSON!, underAttackModeUntil: Int
}
type EgressGateway { ipv4: String!, region: String!, zone: String }
type EgressMigrationResult { ips: [EgressGateway!]! }
type Integration { config: JSON!, id: ID!, name: String!, projectId: String! }
type NotificationRule {
  createdAt: DateTime!, environmentId: String, ephemeralEnvironments: Boolean,
  eventTypes: [String!]!, id: ID!, projectId: String, serviceId: String,
  severities: [NotificationSeverity!]!, updatedAt: DateTime!, workspaceId: String!
}
type Preferences {
  buildFailedEmail: Boolean!, changelogEmail: Boolean!, communityEmail: Boolean!,
  deployCrashedEmail: Boolean!, ephemeralEnvironmentEmail: Boolean!, id: ID!,
  marketingEmail: Boolean!, subprocessorUpdatesEmail: Boolean!, templateQueueEmail: Boolean!,
  usageEmail: Boolean!
}
type PrivateNetwork {
  createdAt: DateTime, deletedAt: DateTime, dnsName: String!, environmentId: String!,
  name: String!, networkId: BigInt!, projectId: String!, publicId: String!, tags: [String!]!
}
type PrivateNetworkEndpoint {
  createdAt: DateTime, deletedAt: DateTime, dnsName: String!, newDnsName: String,
  privateIps: [String!]!, publicId: String!, serviceInstanceId: String!,
  syncStatus: PrivateNetworkEndpointSyncStatus!, tags: [String!]!
}
type ProjectInvitation { email: String!, expiresAt: DateTime!, id: ID!, isExpired: Boolean! }
type ProjectMember { avatar: String, email: String!, id: String!, name: String, role: ProjectRole! }
type ProjectPermission { id: ID!, projectId: String!, role: ProjectRole!, userId: String! }
type RailwayDomain {
  autoRenewEnabled: Boolean!, createdAt: DateTime!, domain: String!, id: ID!,
  nameservers: RailwayDomainNameservers!, nextBillingDate: DateTime, purchasePrice: Int!,
  registrationYears: Int!, renewalPrice: Int!, status: RailwayDomainStatus!, workspaceId: String!,
  workspaceName: String
}
type RailwayDomainDnsRecord {
  answer: String!, domainName: String!, fqdn: String!, host: String!, id: Int!, priority: Int,
  ttl: Int!, type: RailwayDomainDnsRecordType!
}
type RailwayDomainNameservers { isDefault: Boolean!, nameservers: [String!]! }
type RecoveryCodes { recoveryCodes: [String!]! }
type ReferralInfo { code: String!, id: ID!, status: String! }
type SandboxExecResult {
  exitCode: Int!, stderr: String!, stdout: String!, timedOut: Boolean!, truncated: Boolean!
}
type SandboxTemplateBuild { environmentId: String!, id: ID!, status: SandboxTemplateBuildStatus! }
type ServiceInstanceAutoDeployUpdateResult { enabled: Boolean! }
type SshPublicKey {
  createdAt: DateTime!, fingerprint: String!, id: ID!, name: String!, publicKey: String!,
  updatedAt: DateTime!, userId: String, workspaceId: String
}
type TCPProxy {
  applicationPort: Int!, createdAt: DateTime, deletedAt: DateTime, domain: String!,
  environmentId: String!, id: ID!, proxyPort: Int!, serviceId: String!,
  syncStatus: TCPProxySyncStatus!, updatedAt: DateTime
}
type Template {
  activeProjects: Int!, canvasConfig: CanvasConfig, category: String, code: String!,
  communityThreadSlug: String, config: TemplateConfig!, createdAt: DateTime!,
  demoProjectId: String, description: String, health: Float, id: ID!, image: String,
  isApproved: Boolean!, isV2Template: Boolean!, isVerified: Boolean!, languages: [String!],
  metadata: TemplateMetadata!, name: String!, projects: Int!, readme: String, recentProjects: Int!,
  serializedConfig: SerializedTemplateConfig, status: TemplateStatus!,
  supportHealthMetrics: SupportHealthMetrics, tags: [String!], teamId: String, totalPayout: Float!,
  updatedAt: DateTime!, workspaceId: String
}
type TemplateDeployPayload { projectId: String!, workflowId: String }
type TrustedDomain {
  domainName: String!, id: ID!, role: String!, status: TrustedDomainStatus!,
  verificationType: String!, workspaceId: String!
}
type TwoFactorInfoSecret { secret: String!, uri: String! }
type WorkflowId { workflowId: String }
type WorkspacePolicyDeploySourceAllowlist {
  addedBy: User, createdAt: DateTime!, id: ID!, sourceIcon: String, sourceId: String!,
  sourceName: String!, sourceType: WorkspacePolicyDeploySourceType!
}
`;
