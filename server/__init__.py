"""The edge: gRPC services, settings, command line, and the composition root."""
