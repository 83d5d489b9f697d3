//! What every function's main shares: configuration, telemetry, clients, the SQS batch loop.
