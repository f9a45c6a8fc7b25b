using StorageHost.Images.Jobs;
using StorageHost.Images.Names;
using StorageHost.Images.Pools;
using StorageHost.Images.Ports;

namespace StorageHost.Images.Templates;

/// <summary>Templates that come to be while no client waits: each is a job, and takes one of the places that imports have.</summary>
internal sealed partial class TemplateJobs(
    ImportAdmission admission, JobTable jobs, PoolTable pools, IHostApplicationLifetime lifetime, ILogger<TemplateJobs> log)
{
    /// <summary>Makes the template of a job; it returns when the template has its name and is taken up.</summary>
    /// <param name="job">Is told how far it is: whoever begins a pass need not end it.</param>
    /// <param name="cancellationToken">Cancelled when the job is, or the daemon stops.</param>
    public delegate Task Make(Job job, CancellationToken cancellationToken);

    /// <summary>Begins a job. What can be refused at once is.</summary>
    /// <param name="kind">What it does.</param>
    /// <param name="wanted">What is to be made.</param>
    /// <param name="hostname">Whose disk it is made of; null when of none.</param>
    /// <param name="make">Makes it.</param>
    /// <param name="cancellationToken">Ends the looking; the job goes on without it.</param>
    /// <exception cref="RefusedException">TooManyRequests; ImageExists; ImageInUse; ImageProtected; and what the storage says.</exception>
    public async Task<JobStatus> StartAsync(
        JobKind kind, NewTemplate wanted, Hostname? hostname, Make make, CancellationToken cancellationToken)
    {
        var place = admission.Enter();
        try
        {
            await admission.RefuseTakenAsync(wanted, cancellationToken);
        }
        catch
        {
            place.Dispose();
            throw;
        }

        var job = jobs.Begin(kind, wanted.Image, hostname);

        // The request that asked for it ends: neither its trace nor anything else of it goes with the job.
        using (ExecutionContext.SuppressFlow())
        {
            _ = Task.Run(() => RunAsync(job, place, make), CancellationToken.None);
        }

        return job.Snapshot();
    }

    private async Task RunAsync(Job job, IDisposable place, Make make)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(job.Cancelled, lifetime.ApplicationStopping);
        try
        {
            using (place)
            {
                await make(job, either.Token);
            }

            job.EndPass(1);
            job.Succeed();
        }
        catch (RefusedException refusal)
        {
            LogFailed(job.Image, job.Id, refusal.Message);
            job.Fail(refusal.Message, refusal.Reason);
        }
        catch (OperationCanceledException) when (job.Cancelled.IsCancellationRequested)
        {
            job.EndCancelled();
        }
        catch (OperationCanceledException) when (lifetime.ApplicationStopping.IsCancellationRequested)
        {
            job.Fail("the daemon was stopped", Refusal.ShuttingDown);
        }
#pragma warning disable CA1031 // Nobody awaits this: the job carries the failure, and the log its cause.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            LogBroken(exception, job.Id);
            job.Fail("internal error; the log says more");
        }
        finally
        {
            pools.Ring();
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The template {Image} did not come to be (job {Job}): {Reason}")]
    private partial void LogFailed(ImageName image, string job, string reason);

    [LoggerMessage(Level = LogLevel.Error, Message = "Job {Job} failed")]
    private partial void LogBroken(Exception exception, string job);
}
