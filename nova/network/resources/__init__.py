"""The resources of the network API, one module each: what a body may say, what happens, how it is shown."""
