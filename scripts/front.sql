-- The Pareto front of a study, as `harness front` computes it.
--   duckdb -c "set variable study = 'studies/NAME'" -c ".read scripts/front.sql"
-- A config counts if one of its trials ended well; then all its valid runs count.
with measured as (
    select config_id, concurrency, median(ttft_p50_s) as ttft_p50_s, median(output_tps) as output_tps, count(*) as runs, load_point
    from read_parquet(getvariable('study') || '/runs/*.parquet')
    where valid and config_id in (
        select config_id from read_parquet(getvariable('study') || '/trials/*.parquet') where outcome = 'ok')
    group by config_id, load_point, concurrency
)
select * from measured a
where not exists (
    from measured b
    where b.ttft_p50_s <= a.ttft_p50_s and b.output_tps >= a.output_tps
      and (b.ttft_p50_s < a.ttft_p50_s or b.output_tps > a.output_tps))
order by ttft_p50_s;
