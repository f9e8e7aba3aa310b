"""What several components use: identity, settings, alarms, IAM documents, connections, maintenance windows."""
