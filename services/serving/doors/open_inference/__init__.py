"""The Open Inference Protocol over gRPC: its messages to the domain and back, and the servicers of its services.

Its other half, the same protocol over HTTP/1.1, is rest; http2 holds the connections that its predictions come by.
"""
