"""The Open Inference Protocol over HTTP/1.1: connections, routes, and its requests and answers in JSON and binary.

Its other half, the same protocol over gRPC, is open_inference.
"""
