"""AWS, one file for each dialect: the REST proxy event, Converse, the sinks, the Runtime API."""
