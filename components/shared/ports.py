"""The ports and address ranges of the connection table."""

HTTP_PORT = 80
HTTPS_PORT = 443
APPLICATION_PORT = 3000
"""The guide's PORT."""
POSTGRESQL_PORT = 5432
REDIS_PORT = 6379

ANYWHERE_IPV4 = "0.0.0.0/0"
ANYWHERE_IPV6 = "::/0"
