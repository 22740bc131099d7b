"""The infrastructure: a component that defines the endpoint in AWS, and the bundle that it deploys."""
