"""Messages through Redis: the transport and the consumer that outlive its outages and its error replies, what a
message must be, what events tell, and whose messages a Redis carries.
"""
