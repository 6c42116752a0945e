# What the status and the journal look like, for programs.
schemadir = $(datadir)/spoold
dist_schema_DATA = \
	%D%/schema/status.schema.json \
	%D%/schema/journal.schema.json
