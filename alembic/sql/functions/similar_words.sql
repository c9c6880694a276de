-- Known words that may be meant by a misspelt one, the nearest first. One mistake is a letter too many, too few or
-- wrong, two letters exchanged, or an end left out.
CREATE OR REPLACE FUNCTION public.similar_words(misspelt text)
 RETURNS TABLE(word text, mistakes integer)
 LANGUAGE sql
 STABLE PARALLEL SAFE STRICT
 SET "pg_trgm.similarity_threshold" TO '0.3'
BEGIN ATOMIC
 SELECT near.word,
     min(near.mistakes) AS min
    FROM ( SELECT known.word,
             levenshtein_less_equal(similar_words.misspelt, known.word, 3) AS mistakes
            FROM search_words known
           WHERE (known.word % similar_words.misspelt)
         UNION ALL
          SELECT known.word,
             1
            FROM search_words known,
             generate_series(1, (length(similar_words.misspelt) - 1)) place(place)
           WHERE (known.word = (OVERLAY(similar_words.misspelt PLACING reverse(substr(similar_words.misspelt, place.place, 2)) FROM place.place FOR 2) COLLATE "C"))
         UNION ALL
         ( SELECT known.word,
             1
            FROM search_words known
           WHERE ((length(similar_words.misspelt) > 3) AND (known.word > (similar_words.misspelt COLLATE "C")) AND (known.word < ((similar_words.misspelt || chr(1114111)) COLLATE "C")))
           ORDER BY known.word
          LIMIT 20)) near
   WHERE (near.mistakes <=
         CASE
             WHEN (length(similar_words.misspelt) < 5) THEN 1
             WHEN (length(similar_words.misspelt) < 9) THEN 2
             ELSE 3
         END)
   GROUP BY near.word
   ORDER BY (min(near.mistakes)), (similarity(near.word, similar_words.misspelt)) DESC, near.word
  LIMIT 8;
END;
