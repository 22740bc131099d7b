"""The twin: API Gateway, the Lambda Runtime API and Bedrock on one machine, each speaking its own bytes."""
