"""Messages of the contract to records of storage and back, a module for each entity.

Those that take a request refuse all that is wrong with it at once.
"""
