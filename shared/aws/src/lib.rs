//! DynamoDB ledger and settings, Secrets Manager vault, SQS: all code that touches an AWS SDK.
