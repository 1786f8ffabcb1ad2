/** The subscriptions that are served: what a deployment and an environment write. */
export const SUBSCRIPTIONS = `
extend type Subscription {
  deploymentLogs(deploymentId: String!, filter: String, limit: Int): [Log!]!
  environmentLogs(
    afterDate: String, afterLimit: Int, anchorDate: String, beforeDate: String, beforeLimit: Int,
    environmentId: String!, filter: String
  ): [Log!]!
}
type Log {
  attributes: [LogAttribute!]!, message: String!, severity: String, tags: LogTags,
  timestamp: String!
}
type LogAttribute { key: String!, value: String! }
type LogTags {
  deploymentId: String, deploymentInstanceId: String, environmentId: String, pluginId: String,
  projectId: String, serviceId: String, snapshotId: String
}
`;
