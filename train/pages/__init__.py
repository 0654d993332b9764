"""Photographs of pages whose every ink pixel is known."""
