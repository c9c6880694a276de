CREATE OR REPLACE FUNCTION public.forget_empty_work()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
    BEGIN
        -- A statement of its own: the next one's snapshot sees what whoever held the work has committed.
        PERFORM FROM works WHERE id = OLD.work_id FOR UPDATE;
        DELETE FROM works
        WHERE id = OLD.work_id AND merged_into_id IS NULL
        AND NOT EXISTS (SELECT FROM books WHERE work_id = OLD.work_id)
        AND NOT EXISTS (SELECT FROM works AS merged WHERE merged.merged_into_id = OLD.work_id);
        RETURN NULL;
    END
    $function$;
