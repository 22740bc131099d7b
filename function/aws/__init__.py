"""AWS, one folder or file per dialect: the REST proxy event, Converse, the stages' services, the Runtime API."""
