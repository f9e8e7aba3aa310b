"""The AWS Lambda function that makes the database's roles and rotates what the application logs in with."""
