"""Everything about AWS: the proxy event, Bedrock's Converse API, the services of the stages, the Runtime API."""
