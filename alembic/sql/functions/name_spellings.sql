-- Of a pattern of name_patterns that is a whole word: itself, and the word as two (LeGuin, Le Guin), the first part a word's beginning.
CREATE OR REPLACE FUNCTION public.name_spellings(pattern text)
 RETURNS text[]
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE STRICT
RETURN (pattern || ARRAY(SELECT (((('% '::text || "left"(word.word, size.size)) || ' '::text) || substr(word.word, (size.size + 1))) || '%'::text) FROM btrim(name_spellings.pattern, '%'::text) word(word), LATERAL generate_series(2, (length(word.word) - 2)) size(size) WHERE (word.word ~ '^[^ ]{4,30}$'::text)));
