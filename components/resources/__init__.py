"""The resources in AWS, one file per part of the endpoint."""
