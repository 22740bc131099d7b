"""Amazon Bedrock's ConverseStream on this machine."""
