"""Does the network see speed, or what came with it?"""
