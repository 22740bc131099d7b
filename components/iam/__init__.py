"""IAM policy documents: pure functions, without Pulumi."""
