"""The local stack: API Gateway, Lambda and Bedrock on one machine, each with the wire format of the AWS service."""
