"""What can stand behind the local Bedrock: a server of the OpenAI protocol, a small embedded model, or a script."""
