import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Date;
import org.bouncycastle.cms.jcajce.JcaSimpleSignerInfoVerifierBuilder;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.bouncycastle.operator.DigestCalculatorProvider;
import org.bouncycastle.operator.jcajce.JcaDigestCalculatorProviderBuilder;
import org.bouncycastle.tsp.ers.ERSByteData;
import org.bouncycastle.tsp.ers.ERSData;
import org.bouncycastle.tsp.ers.ERSDataGroup;
import org.bouncycastle.tsp.ers.ERSEvidenceRecord;

/** For each folder given: does its record.ers hold for the files beside it, one by one and as a group? */
public class Judge {
    public static void main(String[] folders) throws Exception {
        DigestCalculatorProvider digests =
            new JcaDigestCalculatorProviderBuilder().setProvider(new BouncyCastleProvider()).build();
        for (String folder : folders) {
            System.out.println(Path.of(folder).getFileName() + "\t" + judged(Path.of(folder), digests));
        }
    }

    private static String judged(Path folder, DigestCalculatorProvider digests) {
        try {
            ERSEvidenceRecord record = new ERSEvidenceRecord(Files.readAllBytes(folder.resolve("record.ers")), digests);
            int chains = record.toASN1Structure().getArchiveTimeStampSequence().getArchiveTimeStampChains().length;
            Date now = new Date(4102444800000L); // 2100: after every token of the tests
            ERSData[] objects;
            try (var files = Files.list(folder.resolve("objects"))) {
                objects = files.sorted().map(Judge::data).toArray(ERSData[]::new);
            }
            for (ERSData object : objects) {
                record.validatePresent(object, now);
            }
            if (chains == 1 && objects.length > 1) {
                record.validatePresent(new ERSDataGroup(objects), now);
            }
            record.validate(new JcaSimpleSignerInfoVerifierBuilder().setProvider(new BouncyCastleProvider())
                .build(record.getSigningCertificate()));
            return "accepted";
        } catch (Exception | Error error) {
            return "refused: " + error;
        }
    }

    private static ERSData data(Path file) {
        try {
            return new ERSByteData(Files.readAllBytes(file));
        } catch (java.io.IOException error) {
            throw new java.io.UncheckedIOException(error);
        }
    }
}
